"""The life of a deployment through openstacksdk's orchestration proxy; prints what it saw as JSON."""

import json
import sys

import openstack
from keystoneauth1 import discover, session
from keystoneauth1.token_endpoint import Token

url, project, token = sys.argv[1:]
http = session.Session(auth=Token(f"{url}/v1/{project}", token))
heat = openstack.connection.Connection(
    session=http,
    orchestration_api_version="1",
    orchestration_endpoint_override=f"{url}/v1/{project}",
).orchestration

versions = discover.Discover(http, f"{url}/v1").version_data()
config = heat.create_software_config(name="sdk", group="script", config="echo", inputs=[{"name": "foo"}], outputs=[], options={})
deployment = heat.create_software_deployment(
    config_id=config.id, server_id="sdk-server", action="CREATE", input_values={"foo": "bar"}
)
updated = heat.update_software_deployment(deployment, status="COMPLETE", output_values={"result": 1})
shown = heat.get_software_deployment(deployment.id)
listed = [each.id for each in heat.software_deployments(limit=1)]
configs = [each.id for each in heat.software_configs(limit=1)]
heat.delete_software_deployment(deployment, ignore_missing=False)
heat.delete_software_config(config, ignore_missing=False)
try:
    heat.get_software_deployment(deployment.id)
    gone = None
except openstack.exceptions.ResourceNotFound as error:
    gone = error.details

print(
    json.dumps(
        {
            "versions": [(each["version"], each["raw_status"], each["url"]) for each in versions],
            "config": config.id,
            "deployment": deployment.id,
            "updated": updated.status,
            "shown": [shown.status, shown.output_values, shown.input_values, shown.config_id],
            "listed": listed,
            "configs": configs,
            "gone": gone,
        }
    )
)
