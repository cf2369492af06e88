"""docs/monitoring.md names every alarm with its severity."""

import re
from pathlib import Path

from django.conf import settings

from search.status import alarms


def test_every_alarm_is_documented() -> None:
    source = Path(alarms.__file__).read_text()
    raised = set(re.findall(r'Severity\.(\w+),\s*"([a-z-]+)"', source))
    page = (Path(settings.BASE_DIR) / "docs" / "monitoring.md").read_text()

    documented = {
        (severity.upper(), code) for code, severity in re.findall(r"^\| `([a-z-]+)` \| (\w+) \|", page, re.MULTILINE)
    }
    assert raised == documented
    assert len(raised) == 11
