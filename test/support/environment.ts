import { inject } from "vitest";
import { functionEnvironment } from "../../infra/local/function-environment.ts";
import "./context.ts";

Object.assign(process.env, await functionEnvironment(inject("dynamodb")));
