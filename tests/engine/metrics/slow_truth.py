"""The definitions again, one entry at a time, so that tests have something to compare with."""

import math


def plain_ap(scores, targets):
    """Mean of precision at each positive's rank; a stable sort keeps ties in their order."""
    ranked = sorted(range(len(scores)), key=lambda i: -scores[i])
    found, precisions = 0, []
    for rank, i in enumerate(ranked, start=1):
        if targets[i]:
            found += 1
            precisions.append(found / rank)
    return sum(precisions) / len(precisions) if precisions else math.nan


def points(scores, targets):
    """(threshold, recall, precision) at every distinct score, strict to lenient."""
    result = []
    for limit in sorted(set(scores), reverse=True):
        chosen = [t for s, t in zip(scores, targets, strict=True) if s >= limit]
        result.append((limit, sum(chosen) / sum(targets), sum(chosen) / len(chosen)))
    return result


def area_ap(scores, targets):
    """Steps of recall times precision, equal scores as one threshold."""
    area, before = 0.0, 0.0
    for _, recall, precision in points(scores, targets):
        area += (recall - before) * precision
        before = recall
    return area


def interpolated_ap(scores, targets):
    """The same with the best precision at that recall or more; without ties."""
    curve, area, before = points(scores, targets), 0.0, 0.0
    for k, (_, recall, _) in enumerate(curve):
        area += (recall - before) * max(p for _, _, p in curve[k:])
        before = recall
    return area


def eleven_point_ap(scores, targets):
    """Mean over recall 0, 0.1 … 1 of the best precision from there on; without ties."""
    curve = points(scores, targets)
    return (
        sum(
            max((p for _, r, p in curve if r >= tenth / 10 - 1e-12), default=0.0)
            for tenth in range(11)
        )
        / 11
    )


def paper_labels(scores, targets, ignored, wider, top=None):
    """CP, CR, CF1, OP, OR, OF1 by the facts of the official evaluation, with loops.

    ``ignored`` entries are dropped, or negative if ``wider``; only the ``top`` of an image stay.
    """
    num_images, num_categories = len(scores), len(scores[0])
    predicted, correct, positives = ([0] * num_categories for _ in range(3))
    for i in range(num_images):
        kept = sorted(range(num_categories), key=lambda c: -scores[i][c])[:top]
        for c in range(num_categories):
            if ignored[i][c] and not wider:
                continue
            is_positive = targets[i][c] and not ignored[i][c]
            positives[c] += is_positive
            if c in kept and scores[i][c] >= 0.5:
                predicted[c] += 1
                correct[c] += is_positive
    predicted = [max(1, number) for number in predicted]
    cp = sum(a / b for a, b in zip(correct, predicted, strict=True)) / num_categories
    cr = sum(a / b for a, b in zip(correct, positives, strict=True)) / num_categories
    op, overall = sum(correct) / sum(predicted), sum(correct) / sum(positives)
    return {
        "CP": cp,
        "CR": cr,
        "CF1": 2 * cp * cr / (cp + cr),
        "OP": op,
        "OR": overall,
        "OF1": 2 * op * overall / (op + overall),
    }
