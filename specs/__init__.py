"""What an interface is: reads OpenAPI, Swagger, ODCS, Arazzo and JSON Schema into one model, and lints it."""
