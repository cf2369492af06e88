"""Parsing what nobody trusts: in a child process without network, with limits on memory, time and output."""
