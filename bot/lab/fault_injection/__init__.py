"""Breaks the lab's servers and fixes them, as the files in `bot.lab.fault_catalog` describe.

inject          the two entries: inject_fault and fix_fault
fault_file      the schema of fault.yml, and the catalog
fault_process   runs the steps of a fault, and holds its sessions open
fault_checks    checks what a fault shows; fault_alerts sends its alert
saved_values    what a fault must restore
vitess_cluster, vitess_steps    the same for a Vitess cluster
"""
