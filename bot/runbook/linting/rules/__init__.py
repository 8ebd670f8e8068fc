"""All lint rules, one per module, in the order in which the documentation lists them."""

from __future__ import annotations

from collections.abc import Mapping

from bot.runbook.language.findings import Finding
from bot.runbook.linting.rule import Rule, Severity
from bot.runbook.linting.rules import (
    always_true,
    anchor_or_alias,
    continue_cycle,
    costly_step,
    cut_evidence,
    duplicate_cause,
    duplicate_freeze,
    duplicate_key,
    equal_match,
    expression_syntax,
    forbidden_expression,
    incomparable,
    may_be_null,
    missing_key,
    missing_parameter,
    name_mismatch,
    never_equal,
    never_helped,
    not_utf8,
    past_freeze,
    same_name,
    second_document,
    step_cycle,
    tab_indent,
    test_of_nothing,
    too_deep,
    too_large,
    unit_mismatch,
    unknown_action,
    unknown_cause,
    unknown_field,
    unknown_filter,
    unknown_key,
    unknown_name,
    unknown_parameter,
    unknown_remedy,
    unknown_runbook,
    unknown_shard,
    unreachable_cause,
    unread_step,
    unreadable_file,
    untested_cause,
    unused_input,
    unused_remedy,
    wrong_default,
    wrong_evidence,
    wrong_filter,
    wrong_matcher,
    wrong_name,
    wrong_operand,
    wrong_parameter,
    wrong_place,
    wrong_value,
    yaml_syntax,
    yaml_tag,
)

_ALL: tuple[Rule, ...] = (
    # the file
    unreadable_file.RULE,
    not_utf8.RULE,
    too_large.RULE,
    too_deep.RULE,
    yaml_syntax.RULE,
    tab_indent.RULE,
    duplicate_key.RULE,
    anchor_or_alias.RULE,
    yaml_tag.RULE,
    second_document.RULE,
    # the schema
    unknown_key.RULE,
    missing_key.RULE,
    wrong_value.RULE,
    wrong_name.RULE,
    wrong_matcher.RULE,
    name_mismatch.RULE,
    # the parts of a runbook
    wrong_default.RULE,
    unknown_action.RULE,
    unknown_parameter.RULE,
    missing_parameter.RULE,
    wrong_parameter.RULE,
    wrong_place.RULE,
    step_cycle.RULE,
    costly_step.RULE,
    duplicate_cause.RULE,
    unknown_cause.RULE,
    unknown_remedy.RULE,
    test_of_nothing.RULE,
    wrong_evidence.RULE,
    # expressions
    expression_syntax.RULE,
    forbidden_expression.RULE,
    unknown_filter.RULE,
    wrong_filter.RULE,
    unknown_name.RULE,
    unknown_field.RULE,
    incomparable.RULE,
    never_equal.RULE,
    unit_mismatch.RULE,
    wrong_operand.RULE,
    may_be_null.RULE,
    cut_evidence.RULE,
    always_true.RULE,
    # the whole runbook
    unused_input.RULE,
    unread_step.RULE,
    unused_remedy.RULE,
    never_helped.RULE,
    unreachable_cause.RULE,
    untested_cause.RULE,
    # several runbooks
    unknown_runbook.RULE,
    continue_cycle.RULE,
    same_name.RULE,
    equal_match.RULE,
    # a policy
    duplicate_freeze.RULE,
    past_freeze.RULE,
    unknown_shard.RULE,
)
RULES: Mapping[str, Rule] = {rule.id: rule for rule in _ALL}
"""Id -> rule."""


def severity_of(finding: Finding) -> Severity:
    """Returns the severity of the rule that a finding violates."""
    return RULES[finding.rule].severity
