import numpy as np
import pytest
import torch

from engine.api.config import PAPER_TEMPERATURES, HeadConfig
from engine.models.heads import ResidualAttentionHeads
from tests.paths import GOLDEN


@pytest.mark.parametrize("num_heads", [1, 2, 4, 6, 8])
def test_heads_agree_with_the_official_code(num_heads):
    golden = np.load(GOLDEN / "models.npz")
    config = HeadConfig(PAPER_TEMPERATURES[num_heads], float(golden[f"head{num_heads}_lam"]))
    heads = ResidualAttentionHeads(64, 20, config)
    heads.weight.data = torch.from_numpy(golden[f"head{num_heads}_w"]).float()
    features = torch.from_numpy(golden[f"head{num_heads}_x"]).float()

    logits = heads(features).logits.detach().numpy()

    np.testing.assert_allclose(logits, golden[f"head{num_heads}_logit"], rtol=1e-4, atol=1e-5)


def test_the_length_of_normalised_weights_does_not_matter():
    heads = ResidualAttentionHeads(8, 3, HeadConfig((1.0,), 0.2))
    features = torch.randn(2, 8, 4, 4)
    before = heads(features).logits
    heads.weight.data *= 7.0
    torch.testing.assert_close(heads(features).logits, before)


def test_the_bias_moves_each_logit_by_one_plus_lambda_times_itself():
    plain = ResidualAttentionHeads(8, 3, HeadConfig((2.0,), 0.5, bias=True)).eval()
    features = torch.randn(2, 8, 4, 4)
    before = plain(features).logits
    plain.bias.data += torch.tensor([[1.0, -2.0, 0.5]])
    moved = plain(features).logits - before
    torch.testing.assert_close(moved, 1.5 * torch.tensor([[1.0, -2.0, 0.5]]).expand(2, 3))


def test_max_pooling_is_the_limit_of_a_high_temperature():
    sharp, limit = (
        ResidualAttentionHeads(8, 3, HeadConfig((t,), 1.0)) for t in (1000.0, float("inf"))
    )
    limit.load_state_dict(sharp.state_dict())
    features = torch.randn(2, 8, 4, 4)
    torch.testing.assert_close(sharp(features).logits, limit(features).logits, atol=1e-2, rtol=0)


def test_gradients_reach_weights_and_features():
    heads = ResidualAttentionHeads(8, 3, HeadConfig((1.0, float("inf")), 0.3, bias=True))
    features = torch.randn(2, 8, 4, 4, requires_grad=True)
    heads(features).logits.sum().backward()
    assert heads.weight.grad.abs().sum() > 0
    assert features.grad.abs().sum() > 0
