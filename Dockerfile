# An image of Dateline: small, without root, and with a read-only root file system if you ask for one.
#   docker build -t dateline .
#   docker run --read-only --tmpfs /tmp -p 127.0.0.1:8000:8000 -v chronology:/data dateline
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE requirements.lock ./
COPY app app
COPY docs docs
COPY migrations migrations
COPY seed seed
# The versions of the lock, each checked against its hash; then Dateline and PostgreSQL's driver.
RUN python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock \
 && /venv/bin/pip install --no-cache-dir '.[postgresql]' \
 && find /venv -name __pycache__ -prune -exec rm -r {} +

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /data dateline && install -d -o dateline -g dateline /data
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    DATELINE_DATABASE_URL=sqlite:////data/dateline.db
USER dateline
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
# `migrate` makes an empty store or brings an older one up to date; then the server takes its place.
CMD ["sh", "-c", "dateline migrate && exec dateline serve --host 0.0.0.0"]
