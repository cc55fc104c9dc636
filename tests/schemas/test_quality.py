"""Tests of schemas.quality."""

import pytest

from schemas.quality import NAMES, Quality, of_status


@pytest.mark.parametrize(("status", "quality"), [(0, Quality.MEASURED), (1, Quality.SUSPECT)])
def test_a_status_with_a_value_is_measured_or_suspect(status: int, quality: Quality) -> None:
    assert of_status(status) == quality


def test_a_measured_value_wins_over_a_suspect_one_of_the_same_frame() -> None:
    assert Quality.MEASURED > Quality.SUSPECT


def test_every_quality_has_its_names_elsewhere() -> None:
    assert NAMES.keys() == set(Quality)


def test_only_what_was_checked_or_agreed_settles() -> None:
    assert {quality for quality in Quality if NAMES[quality].settles} == {Quality.VALIDATED, Quality.ACCEPTED}


def test_qualities_fit_the_column() -> None:
    assert [int(quality) for quality in Quality] == list(range(9))
