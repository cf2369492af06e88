"""Settings that cannot be meant are refused with the name of the setting."""

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from search.conf import Conf, conf, semsearch_from_environment

HERE = Path("/tmp/here")


def environment(**variables: str) -> dict[str, Any]:
    """Return the settings that these environment variables describe."""
    return semsearch_from_environment(variables, default_data_dir=HERE)


def test_without_variables_only_the_data_folder_is_set() -> None:
    assert environment(PATH="/bin", SEMSEARCHER="x") == {"DATA_DIR": HERE}


def test_each_variable_becomes_a_value_of_its_key_s_type() -> None:
    values = environment(
        SEMSEARCH_BATCH_SIZE="8",
        SEMSEARCH_SWEEP_SECONDS="2.5",
        SEMSEARCH_PUBLIC_SEARCH="No",
        SEMSEARCH_ENCODER_NAME="x/y",
    )

    assert values == {
        "DATA_DIR": HERE,
        "BATCH_SIZE": 8,
        "SWEEP_SECONDS": 2.5,
        "PUBLIC_SEARCH": False,
        "ENCODER_NAME": "x/y",
    }


def test_the_data_folder_is_made_absolute() -> None:
    assert environment(SEMSEARCH_DATA_DIR="~/data")["DATA_DIR"] == Path.home() / "data"
    assert environment(SEMSEARCH_DATA_DIR="data")["DATA_DIR"].is_absolute()


def test_variables_of_the_tests_are_no_settings() -> None:
    assert environment(SEMSEARCH_TEST_FAILPOINT="apply.done=kill") == {"DATA_DIR": HERE}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("SEMSEARCH_BATCH_SIZ", "8", "SEMSEARCH_BATCH_SIZ is not a Semsearch setting. Did you mean BATCH_SIZE?"),
        ("SEMSEARCH_BATCH_SIZE", "many", "SEMSEARCH_BATCH_SIZE='many' is not a valid int"),
        ("SEMSEARCH_BATCH_SIZE", "", "SEMSEARCH_BATCH_SIZE='' is not a valid int"),
        ("SEMSEARCH_SWEEP_SECONDS", "soon", "SEMSEARCH_SWEEP_SECONDS='soon' is not a valid float"),
        ("SEMSEARCH_PUBLIC_SEARCH", "perhaps", "SEMSEARCH_PUBLIC_SEARCH='perhaps' is not a valid bool"),
        ("SEMSEARCH_ENGINES", "{}", "SEMSEARCH_ENGINES cannot be set from the environment"),
    ],
)
def test_a_variable_that_cannot_be_meant_is_named(name: str, value: str, message: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        environment(**{name: value})

    assert message in str(caught.value)


def test_the_defaults_fit_their_own_rules(settings: Any) -> None:
    settings.SEMSEARCH = {}

    assert conf() == Conf()


def test_index_files_live_below_the_data_folder(settings: Any) -> None:
    settings.SEMSEARCH = {"DATA_DIR": HERE}

    assert conf().index_dir == HERE / "index"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"BATCHSIZE": 8}, "SEMSEARCH['BATCHSIZE'] is not a Semsearch setting. Did you mean BATCH_SIZE?"),
        ({"XYZ": 8}, "SEMSEARCH['XYZ'] is not a Semsearch setting. See docs"),
        ({"BATCH_SIZE": 0}, "BATCH_SIZE is 0; it must be at least 1"),
        ({"TAIL_MAX_ROWS": -1}, "TAIL_MAX_ROWS is -1; it must be at least 1"),
        ({"BATCH_SIZE": "8"}, "BATCH_SIZE is '8'; it must be a whole number"),
        ({"BATCH_SIZE": True}, "BATCH_SIZE is True; it must be a whole number"),
        ({"SWEEP_SECONDS": float("nan")}, "SWEEP_SECONDS is nan; it must be a finite number"),
        ({"PUBLIC_SEARCH": "no"}, "PUBLIC_SEARCH is 'no'; it must be True or False"),
        ({"DATA_DIR": "var"}, "DATA_DIR is 'var'; it must be a pathlib.Path"),
        ({"ENGINES": ["faiss"]}, "ENGINES is ['faiss']; it must be a dictionary"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_named(settings: Any, values: dict[str, Any], message: str) -> None:
    settings.SEMSEARCH = values

    with pytest.raises(ImproperlyConfigured) as caught:
        conf()

    assert message in str(caught.value)


def test_a_whole_number_is_a_good_number_of_seconds(settings: Any) -> None:
    settings.SEMSEARCH = {"SWEEP_SECONDS": 5}

    assert conf().SWEEP_SECONDS == 5
