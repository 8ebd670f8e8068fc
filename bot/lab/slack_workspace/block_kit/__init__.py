"""block_kit"""
