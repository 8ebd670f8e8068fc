"""The YAML document of a runbook: parser, schema, values and findings. Pure, except `runbook_files`."""
