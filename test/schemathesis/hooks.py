"""Bodies that the service refuses for what a JSON Schema cannot say. The description says it in words."""

import math
from datetime import datetime, timezone

import schemathesis

MAX_BATCH = 100


@schemathesis.hook
def filter_body(context, body):
    refused = (holds_refused_key, makes_too_many, holds_endless_number, waits_wrongly, names_twice)
    return not any(check(body) for check in refused)


def holds_refused_key(value):
    """`__proto__`, or `constructor` with `prototype` in it, wherever they stand."""
    if isinstance(value, list):
        return any(holds_refused_key(one) for one in value)
    if not isinstance(value, dict):
        return False
    constructor = value.get("constructor")
    if "__proto__" in value or (isinstance(constructor, dict) and "prototype" in constructor):
        return True
    return any(holds_refused_key(one) for one in value.values())


def makes_too_many(body):
    """More than 100 deployments at once, by the bodies and the servers of each together."""
    if not isinstance(body, list):
        return False
    servers = [one.get("server_ids") for one in body if isinstance(one, dict)]
    return sum(len(ids) if isinstance(ids, list) else 1 for ids in servers) > MAX_BATCH


def waits_wrongly(body):
    """A `not_before` more than a year ahead (here: of another year), or with a status that is over."""
    return any(is_wrong_wait(one) for one in (body if isinstance(body, list) else [body]) if isinstance(one, dict))


def is_wrong_wait(one):
    not_before = one.get("not_before")
    if not isinstance(not_before, str):
        return False
    return one.get("status") in ("COMPLETE", "FAILED") or not_before[:4] > str(datetime.now(timezone.utc).year)


def names_twice(body):
    """Ids that are the same in upper and lower case."""
    ids = body.get("ids") if isinstance(body, dict) else None
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        return False
    return len({one.lower() for one in ids}) < len(ids)


def holds_endless_number(body):
    """The text of a number beyond a double's range, as the default of an input of type Number."""
    inputs = body.get("inputs") if isinstance(body, dict) else None
    return any(is_endless(one) for one in inputs or [] if isinstance(one, dict))


def is_endless(definition):
    default = definition.get("default")
    if definition.get("type") != "Number" or not isinstance(default, str):
        return False
    try:
        return math.isinf(float(default))
    except ValueError:
        return False
