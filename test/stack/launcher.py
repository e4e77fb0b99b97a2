"""
AWS on this machine: ministack, with what it lacks of a stage's template. Each mend names a fault of ministack 1.5.33, and
fails where what it changes is no longer as it was: then look whether the fault is gone.

Settings are ministack's own environment variables, and CALLS: a file that gets a line of JSON for each call that IAM has
looked at.
"""

import json
import os
import string
import uuid

import ministack.app as app
import ministack.core.iam_evaluator as iam
import ministack.core.lambda_runtime as runtime
import ministack.services.apigateway as gateway
import ministack.services.cloudformation.provisioners as provisioners
import ministack.services.cloudwatch_logs as logs
import ministack.services.dynamodb as dynamodb
import ministack.services.secretsmanager as secrets

HANDLERS = provisioners._RESOURCE_HANDLERS


def expect(holds, what):
    """Ends where ministack is not what a mend was made for."""
    if not holds:
        raise SystemExit(f"test/stack/launcher.py: {what}: the mend has no target; is the fault gone?")


def replace(module, name, mend):
    """Replaces a function by what `mend` makes of it."""
    expect(callable(getattr(module, name, None)), f"{module.__name__}.{name}")
    setattr(module, name, mend(getattr(module, name)))


def extend(type_name, **steps):
    """Replaces the steps of a resource type: each is made of the step before."""
    expect(type_name in HANDLERS, type_name)
    before = HANDLERS[type_name]
    HANDLERS[type_name] = {**before, **{name: mend(before.get(name)) for name, mend in steps.items()}}


# CloudFormation knows no saved queries.

QUERY_PROPERTIES = {"Name", "QueryString", "LogGroupNames", "QueryLanguage", "Parameters"}


def put_query(props, query_id):
    for name in ("Name", "QueryString"):
        if not props.get(name):
            raise ValueError(f"{name} is required")
    unknown = set(props) - QUERY_PROPERTIES
    if unknown:
        raise ValueError(f"extraneous key {unknown}")
    for group in props.get("LogGroupNames", []):
        if group not in logs._log_groups:
            raise ValueError(f"no log group {group}")
    return query_id, {"QueryDefinitionId": query_id}


expect("AWS::Logs::QueryDefinition" not in HANDLERS, "saved queries")
HANDLERS["AWS::Logs::QueryDefinition"] = {
    "create": lambda logical_id, props, stack: put_query(props, str(uuid.uuid4())),
    "update": lambda query_id, old, new, stack, logical_id=None: put_query(new, query_id),
    "delete": lambda query_id, props: None,
}


# Alarms know no metric math: such an alarm is made on a metric that nobody writes.


def alarm_of_math(inner):
    def record(name, props):
        metrics = props.get("Metrics")
        if not metrics:
            return inner(name, props)
        ids = [metric["Id"] for metric in metrics]
        if len(set(ids)) < len(ids):
            raise ValueError(f"{name}: ids of metrics repeat")
        if sum(metric.get("ReturnData", True) not in (False, "false") for metric in metrics) != 1:
            raise ValueError(f"{name}: one metric returns data")
        rest = {key: value for key, value in props.items() if key != "Metrics"}
        return inner(name, {**rest, "MetricName": "math", "Namespace": "math"})

    return record


try:
    provisioners._cw_metric_alarm_record("a", {"Metrics": [{}]})
    expect(False, "metric math")
except ValueError:
    pass
replace(provisioners, "_cw_metric_alarm_record", alarm_of_math)


# Lambda's runtime client loads .js, .mjs and .cjs; ministack's only the first two.

MJS = 'const mjsPath = fullPath + ".mjs";'
CJS = 'const mjsPath = fs.existsSync(fullPath + ".cjs") ? fullPath + ".cjs" : fullPath + ".mjs";'
expect(runtime._NODEJS_WORKER_SCRIPT.count(MJS) == 1, ".cjs")
runtime._NODEJS_WORKER_SCRIPT = runtime._NODEJS_WORKER_SCRIPT.replace(MJS, CJS)


# `ExcludePunctuation` is ignored, and `Ref` of a secret is its name; it is its ARN. Secrets cannot be imported.


def without_punctuation(inner):
    def secret_string(props):
        generate = props.get("GenerateSecretString") or {}
        if generate.get("ExcludePunctuation") not in (True, "true"):
            return inner(props)
        excluded = generate.get("ExcludeCharacters", "") + string.punctuation
        return inner({**props, "GenerateSecretString": {**generate, "ExcludeCharacters": excluded}})

    return secret_string


def name_of(arn):
    return next((name for name, record in secrets._secrets.items() if record["ARN"] == arn), arn)


def by_arn(result):
    attributes = result[1]
    return attributes["Arn"], attributes


def import_secret(inner):
    expect(inner is None, "import of a secret")

    def imported(identifier):
        arn = identifier["Id"]
        if name_of(arn) not in secrets._secrets:
            raise ValueError(f"no secret {arn}")
        return arn, {"Id": arn, "Arn": arn}

    return imported


replace(provisioners, "_sm_secret_string", without_punctuation)
extend(
    "AWS::SecretsManager::Secret",
    create=lambda inner: lambda logical_id, props, stack: by_arn(inner(logical_id, props, stack)),
    update=lambda inner: lambda arn, old, new, stack, logical_id=None: by_arn(
        inner(name_of(arn), old, new, stack, logical_id)
    ),
    delete=lambda inner: lambda arn, props: inner(name_of(arn), props),
    **{"import": import_secret},
)


# A new table gets no time to live from its template.


def with_time_to_live(inner):
    def create(logical_id, props, stack):
        made = inner(logical_id, props, stack)
        if props.get("TimeToLiveSpecification"):
            status, *rest = dynamodb._update_ttl(
                {"TableName": made[0], "TimeToLiveSpecification": {**props["TimeToLiveSpecification"], "Enabled": True}}
            )
            if status != 200:
                raise ValueError(rest)
        return made

    return create


expect(callable(getattr(dynamodb, "_update_ttl", None)), "time to live")
extend("AWS::DynamoDB::Table", create=with_time_to_live)


# The address of the first API is known before it is made, for the parameter publicUrl.

API_ID = "aaaabbbb"


def first_id(inner):
    return lambda tags, existing: inner(tags, existing) or (API_ID if API_ID not in list(existing) else None)


replace(gateway, "_resolve_custom_api_id", first_id)

# With TLS, ministack also wants port 443 of this machine.
replace(app, "_port_is_bindable", lambda inner: lambda host, port: port != 443 and inner(host, port))


# Every call that IAM has looked at: who made it, and whether it was allowed.


def noted(inner):
    calls = open(os.environ["CALLS"], "a", buffering=1)

    def enforce(access_key, action, service, region, resource_arn="*", service_context=None):
        refusal = inner(access_key, action, service, region, resource_arn, service_context)
        call = {"key": access_key, "action": action, "resource": resource_arn, "allowed": refusal is None}
        calls.write(json.dumps(call) + "\n")
        return refusal

    return enforce


replace(iam, "enforce", noted)

app.main()
