/** The API page's example request, and the project it is sent to. */
export const EXAMPLE_PROJECT = "95d02433133a4c0a87ba6967474a2ad3";
export const EXAMPLE_REQUEST = {
  status: "IN_PROGRESS",
  server_id: "ec14c864-096e-4e27-bb8a-2c2b4dc6f3f5",
  config_id: "8da95794-2ad9-4979-8ae5-739ce314c5cd",
  stack_user_project_id: "c024bfada67845ddb17d2b0c0be8cd79",
  action: "CREATE",
  status_reason: "Deploy data available",
};
