"""The lab: real database servers, monitoring and a local Slack on one machine, for the demo and the tests.

    lab_up_and_down, lab_status    start, stop and inspect a lab; lab_state is what lab.json keeps of it
    database_servers, server_data_directories, replication, database_users, application_load    MySQL and MariaDB
    vitess/                    a Vitess cluster instead
    server_programs, debian_packages    where the server programs come from
    monitoring, supporting_services, firstmate_config    Prometheus, Alertmanager, secrets, firstmate.yml
    slack_workspace/           the local Slack; proxysql/ a stand-in for ProxySQL's admin interface
    fault_catalog/             what can break, as YAML; fault_injection/ breaks and fixes it
    fault_bench/, benchmarks/  measure how the bot does
    bot_process, workspace_process    start the bot and the local Slack

The product imports nothing of this package (extra `lab`).
"""
