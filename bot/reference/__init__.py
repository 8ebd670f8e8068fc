"""The generated parts of the documentation: every setting, command and metric, from the code that defines it.

`python -m bot.reference docs` (`make docs`) fills them in between the marks of docs/*.md. The packages of runbooks and
actions generate their own pages (`bot.runbook.reference`).
"""
