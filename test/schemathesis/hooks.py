"""Bodies that the service refuses for what a JSON Schema cannot say. The description says it in words."""

import math

import schemathesis

MAX_BATCH = 100


@schemathesis.hook
def filter_body(context, body):
    return not (holds_refused_key(body) or makes_too_many(body) or holds_endless_number(body))


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
