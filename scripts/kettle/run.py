"""Runs one of Kettle's scripts as it is, with its requests to Cloud Storage going to another server.

    GCS_ENDPOINT=http://127.0.0.1:4443 python3 run.py make_db.py --buckets buckets.yaml --junit

The working directory is the folder that holds the script. Kettle names Google's host in its code and has no
setting for it, so the address is changed where the HTTP library is about to send.
"""

import os
import runpy
import sys

GOOGLE = 'https://www.googleapis.com/'


def redirect(endpoint):
    """Makes every session of the requests library send Google's requests to `endpoint`."""
    import requests  # only what collects has it as a dependency

    original = requests.Session.request

    def request(self, method, url, **options):
        if url.startswith(GOOGLE):
            url = endpoint.rstrip('/') + '/' + url[len(GOOGLE):]
        return original(self, method, url, **options)

    requests.Session.request = request


if __name__ == '__main__':
    if os.environ.get('GCS_ENDPOINT'):
        redirect(os.environ['GCS_ENDPOINT'])
    sys.argv = sys.argv[1:]
    sys.path[0] = os.getcwd()
    runpy.run_path(sys.argv[0], run_name='__main__')
