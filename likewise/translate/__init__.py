"""Translate by nearness: two spaces brought into one."""
