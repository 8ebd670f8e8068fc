"""A reader of Vitess opens pages that only read."""

from __future__ import annotations

import pytest

from actions.contract import Unreadable
from actions.vitess_contract import Component
from bot.fleet.vitess.allowed_calls import check_page


def test_twopcz_is_read_and_never_told_to_act():
    check_page(Component.VTTABLET, "/twopcz?format=json")
    for query in ("Action=Commit&dtid=commerce:-80:1", "format=json&Action=Rollback", "%41ction=Conclude&dtid=x"):
        with pytest.raises(Unreadable, match="not on the list of reading pages"):
            check_page(Component.VTTABLET, f"/twopcz?{query}")
