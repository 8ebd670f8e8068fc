"""Runbooks as data. Pure, except that `language.runbook_files` reads files. Packages, upper layers first:

reference    generates documentation from the code of actions and from the language
testing      runs the tests of a runbook without a server
library      the runbooks in force: loaded from folders, reloaded while the bot runs
linting      finds errors in one runbook, one rule per module, and conflicts between runbooks
diagnosis    derives causes, card fields and remedies from evidence
matching     chooses the runbook for an alert and explains the choice
expressions  the expression language: syntax, evaluation, filters, type checks
language     the YAML document: parser, schema, values, units and findings
"""
