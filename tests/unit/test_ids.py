"""Session ids."""

from __future__ import annotations

import re
from itertools import islice

from flask_socketio.engine.ids import Origin, new_sids


def test_ids_are_as_long_as_others_and_safe_in_a_url() -> None:
    ids = list(islice(new_sids(), 1000))
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{20}", sid) for sid in ids)


def test_ids_of_a_process_begin_alike() -> None:
    ids = list(islice(Origin("nodeAB").sids, 200))
    assert len(set(ids)) == len(ids)
    assert {sid[:13] for sid in ids} == {ids[0][:13]}
    assert {len(sid) for sid in ids} == {33}
    assert ids[0].startswith("nodeAB")


def test_all_characters_of_an_id_vary() -> None:
    for characters in zip(*islice(new_sids(), 500), strict=True):
        assert len(set(characters)) > 32
