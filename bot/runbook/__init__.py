"""Runbooks as data. Pure, except that `library` and `testing.recorded_case` read files. The rooms, lower ones last:

reference    the pages of documentation that are generated from the code of actions and from the language
testing      the tests in a runbook's file, run without a server
library      the runbooks in force: read from folders, reloaded while the bot runs
linting      what is wrong with a runbook, rule by rule, and with all runbooks together
diagnosis    evidence in; causes, card fields and remedies out
matching     which runbook answers an alert, and why
expressions  the expression language: syntax, evaluation, filters, types
language     the YAML document: its schema, values, units and the findings about it
"""
