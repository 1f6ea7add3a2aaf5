import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread():
    """Sums are added in the same order in all processes; and tiny networks are faster so."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
