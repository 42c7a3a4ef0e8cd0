# drainbot, as the manifests run it: `docker build -t drainbot:0.1.0 .`
FROM python:3.12-slim AS build
RUN python -m venv /opt/drainbot
WORKDIR /src
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY bot bot
COPY jobs jobs
COPY sandbox sandbox
RUN /opt/drainbot/bin/pip install --no-cache-dir -c constraints.txt .

FROM python:3.12-slim
# One number for user and group, named by the manifests too: runAsNonRoot can't check a name.
RUN groupadd --gid 10001 drainbot \
 && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin drainbot
COPY --from=build /opt/drainbot /opt/drainbot
ENV PATH=/opt/drainbot/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
ENTRYPOINT ["drainbot"]
CMD ["--help"]
