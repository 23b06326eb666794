"""Our own policies for the scan of modules and environments (`.checkov.yml` names this folder).

`rules.py` decides, without checkov; `checks.py` gives the rules to checkov and lists them (POLICIES).
"""
