"""stub"""


def run_demo(): ...
