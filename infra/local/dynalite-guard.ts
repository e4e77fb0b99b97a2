/** Loaded before dynalite (`--import`): makes it refuse web pages. `OWN_ORIGINS` is a list of the service's origins. */
import { refuseWebPages } from "./web-pages.ts";

refuseWebPages((process.env.OWN_ORIGINS ?? "").split(","));
