"""The state machine of runs: from an alert or a command to a verified change. Imports no vendor library.

alert_receiver, user_commands, run_factory    where runs begin; dispatcher runs their segments (segments)
triage, assessment, gather_evidence           evidence and causes; evidence_memory, found_causes, other_runbooks
server_kinds, earlier_runs                    what the server is, and when its cause led before
planner, plan, target_selection               what would be changed, and where; preview shows it without a run
fact_collector, policy_facts, vtorc_repairs   the facts for bot.guards; guard_explanation, role_checks
decisions, approval_expiry, break_glass       the answers of people to a plan, and what follows without one
rollout, batch_order, change_executor         the change itself, batch by batch; run_summary sums it up
effect_check, effect_verdict, effect_summary  whether it helped
undo, timed_revert                            back again, on request or after a time
pausing, active_halts, incident_assignment    what people stop or take; silencing, wait_reasons
run, stored_runs, run_json, runbook_of_run    the record of a run
ports, outbox_port                            what fleet, store and slack implement
sweep/                                        one runbook over many instances
"""
