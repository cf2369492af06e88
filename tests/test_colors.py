"""Contrast by hand-worked figures, and colours that are moved until they can be read."""

import pytest

from search.colors import BLACK, WHITE, Color, contrast, reaching, shades


def test_contrast_is_that_of_wcag() -> None:
    assert contrast(BLACK, WHITE) == 21
    assert contrast(WHITE, WHITE) == 1
    assert contrast(Color.read("#767676"), WHITE) == pytest.approx(4.54, abs=0.01)  # the well-known palest grey


@pytest.mark.parametrize("text", ["", "green", "#12", "#12345g", "1f5f4d", "#1f5f4d;"])
def test_what_is_no_colour_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no colour"):
        Color.read(text)


def test_three_digits_mean_six() -> None:
    assert str(Color.read("#a1F")) == "#aa11ff"


def test_a_colour_with_enough_contrast_stays_as_it_is() -> None:
    color = Color.read("#1f5f4d")

    assert reaching(color, lambda _: WHITE, end=0) == color


def test_a_pale_colour_is_darkened_only_so_far_that_it_can_be_read() -> None:
    yellow = reaching(Color.read("#ffcc00"), lambda _: WHITE, end=0)

    assert 4.5 <= contrast(yellow, WHITE) < 4.8
    assert yellow.red > yellow.green > yellow.blue == 0


def test_the_admin_s_shades_go_from_pale_to_dark_around_the_colour() -> None:
    made = shades(Color.read("#7a2048"))
    lights = [Color.read(made[name]).luminance for name in sorted(made, key=int)]

    assert made["600"] == "#7a2048"
    assert lights == sorted(lights, reverse=True)
    assert len(made) == 11
