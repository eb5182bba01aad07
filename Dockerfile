# Two stages: compilers and headers are only in the first. `.dockerignore` leaves out sandbox, tests and bench.

FROM python:3.11-slim-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc libc6-dev libmariadb-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
RUN python -m venv /opt/venv
COPY requirements.txt /tmp/
RUN /opt/venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r /tmp/requirements.txt

FROM python:3.11-slim-bookworm
RUN apt-get update \
    && apt-get install -y --no-install-recommends libmariadb3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /app sunusav \
    && install -d -o sunusav /var/lib/sunusav && install -d -o sunusav -m 700 /var/lib/sunusav/exports /var/lib/sunusav/attachments
COPY --from=build /opt/venv /opt/venv
COPY . /app
WORKDIR /app
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    SUNUSAV_STATE_DIR=/var/lib/sunusav HOST=0.0.0.0 PORT=8001
USER sunusav
EXPOSE 8001
# Half of the threads may wait for payouts (PAYOUT_WAITERS); the others serve other requests.
CMD ["sh", "-c", "exec granian --interface wsgi --host $HOST --port $PORT --workers 2 --blocking-threads 16 sunusav.wsgi:application"]
