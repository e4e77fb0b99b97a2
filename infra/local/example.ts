/** The project of all examples: of the API's description, of README, and of the token that `npm start` prints. */
export const EXAMPLE_PROJECT = "demo";

/** The configuration of all examples. A local service keeps it in the examples' project, under this id. */
export const EXAMPLE_CONFIG_ID = "01a20d6d-172e-75fe-8ceb-66ffc86f38d9";
export const EXAMPLE_CONFIG = {
  name: "greet",
  group: "script",
  inputs: [{ name: "who", default: "world" }],
  outputs: [{ name: "greeting" }],
  config: "#!/bin/sh\necho Hello, $who",
};

/** The request that `npm start` prints: a deployment of that configuration. */
export const EXAMPLE_REQUEST = {
  config_id: EXAMPLE_CONFIG_ID,
  server_id: "web-1",
  input_values: { who: "world" },
};
