"""What scores of labels are compared with that nobody measured."""

from engine.api.label_measures import LabelMeasure, least_scores


def test_a_low_threshold_holds_for_labels_that_were_measured_alone():
    measures = (LabelMeasure(30), LabelMeasure(), LabelMeasure(6))
    assert least_scores(measures, 0.2, 0.5) == (0.2, 0.5, 0.2)
    assert least_scores(measures, 0.7, 0.5) == 0.7
    assert least_scores(None, 0.2, 0.5) == 0.2
    assert least_scores((LabelMeasure(30),), 0.2, 0.5) == 0.2
