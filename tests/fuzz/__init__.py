"""What reads strangers' files, given anything: targets, their seeds, and what was found once.

``python -m tests.fuzz`` searches on (Linux, ``pip install -e .[fuzz]``); ``test_findings.py`` looks
at seeds and findings in a moment, as any other test.
"""
