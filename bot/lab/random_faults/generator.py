"""Draws scenarios: the same seed and index always give the same scenario. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from bot.lab.random_faults.alerts import ALERTS, LABELS
from bot.lab.random_faults.primitives.primitive import REPLICATION, WHOLE_SERVER, Primitive
from bot.lab.random_faults.scenario import FLAVOURS, AlertPart, Flavour, Part, Scenario
from bot.lab.random_faults.surroundings import DECOYS, SETTINGS, Surrounding

HOSTS: Mapping[Flavour, Mapping[str, tuple[str, ...]]] = {
    "mysql": {"primary": ("orders-1",), "replica": ("orders-2", "orders-3")},
    "mariadb": {"primary": ("billing-1",), "replica": ("billing-2", "billing-3")},
}
NUMBER_OF_FAULTS = ((1, 2, 3), (60, 30, 10))
"""Numbers of simultaneous faults, and how often each is drawn."""
SETTINGS_SHARE, DECOYS_SHARE = 0.5, 1 / 3
TRIES = 20
SYMPTOM_WEIGHTS = {"slow": 0.3, "connections": 0.7, "long_query": 0.5}
"""Symptoms that are drawn less often than others: 1."""


def draw(seed: int, index: int, catalog: Mapping[str, Primitive], only: str = "") -> Scenario:
    """Returns the scenario of a seed and an index; with `only`, its alert is about this primitive."""
    random = Random(f"{seed}:{index}")
    flavour = random.choice([each for each in FLAVOURS if not only or each in catalog[only].flavours])
    wanted = random.choices(*NUMBER_OF_FAULTS)[0]
    fitting = [each for each in catalog.values() if flavour in each.flavours]
    first = catalog[only] if only else _choose(random, fitting)
    faults = [_part(random, first, flavour)]
    for _ in range(TRIES):
        if len(faults) >= wanted:
            break
        more = _part(random, _choose(random, fitting), flavour)
        if fits([*faults, more], catalog):
            faults.append(more)
    symptom = _symptom(random, sorted(catalog[faults[0].kind].symptoms))
    labels = {**LABELS.get(symptom, {}), **_channel(random, faults[0], flavour)}
    alert = AlertPart(random.choice(ALERTS[symptom]), faults[0].on, symptom, labels)
    return Scenario(
        seed,
        index,
        flavour,
        tuple(faults),
        alert,
        settings=_surroundings(random, SETTINGS, SETTINGS_SHARE, flavour, faults, symptom),
        decoys=_surroundings(random, DECOYS, DECOYS_SHARE, flavour, faults, symptom),
    )


def fits(faults: Sequence[Part], catalog: Mapping[str, Primitive]) -> bool:
    """Returns whether these faults can be in place together, so that each is what it is alone."""
    for number, one in enumerate(faults):
        for other in faults[:number]:
            if catalog[one.kind].alone or catalog[other.kind].alone:
                return False
            mine, its = catalog[one.kind].claims, catalog[other.kind].claims
            if one.on == other.on and (WHOLE_SERVER in mine | its or mine & its):
                return False
            # A replica that another one follows, if only on a second channel, may be a primary: it stays writable.
            if "writable_replica" in (one.kind, other.kind) and (one.flag("second") or other.flag("second")):
                return False
            # A primary that takes no writes sends none, so no fault of its replicas can be made with one.
            if one.on != other.on and WHOLE_SERVER in mine | its and REPLICATION in mine | its:
                return False
    return True


def _choose(random: Random, among: Sequence[Primitive]) -> Primitive:
    return random.choices(among, [each.weight for each in among])[0]


def _part(random: Random, primitive: Primitive, flavour: Flavour) -> Part:
    on = random.choice(HOSTS[flavour][primitive.role])
    return Part(primitive.name, on, primitive.draw(random))


def _symptom(random: Random, symptoms: Sequence[str]) -> str:
    return random.choices(symptoms, [SYMPTOM_WEIGHTS.get(each, 1.0) for each in symptoms])[0]


def _channel(random: Random, fault: Part, flavour: Flavour) -> Mapping[str, str]:
    """Returns the label with which an exporter names the channel, where the rule keeps it."""
    channel = fault.text("channel")
    if not channel or random.random() < 0.5:
        return {}
    return {"channel_name" if flavour == "mysql" else "connection_name": channel}


def _surroundings(
    random: Random, among: Sequence[Surrounding], share: float, flavour: Flavour, faults: Sequence[Part], symptom: str
) -> tuple[Part, ...]:
    if random.random() >= share:
        return ()
    fitting = [each for each in among if flavour in each.flavours and symptom not in each.not_with]
    chosen = random.sample(fitting, k=min(len(fitting), random.randint(1, 2)))
    on = faults[0].on
    found = []
    for each in chosen:
        host = on if each.role == "any" else random.choice(HOSTS[flavour][each.role])
        if each.role == "any" or not any(fault.on == host for fault in faults):
            found.append(Part(each.name, host, each.draw(random)))
    return tuple(found)
