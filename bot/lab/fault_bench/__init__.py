"""fault_bench"""
