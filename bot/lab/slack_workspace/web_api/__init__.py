"""web_api"""
