"""Viewsets: each action reads its input, calls one service or query, and answers."""
