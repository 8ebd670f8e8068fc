"""app_delivery"""
