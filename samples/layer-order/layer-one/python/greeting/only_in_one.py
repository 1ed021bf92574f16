"""a module that version 2 has dropped"""
