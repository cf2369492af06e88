# The application as an image, for compose.yaml. Nobody has built it on the project's own machines
# (docs/operations.md). Plain pip takes torch with CUDA; name an index of CPU builds to do without:
#   docker build --build-arg TORCH_INDEX=<address of an index> .
FROM python:3.11-slim
ARG TORCH_INDEX=""
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 \
    DJANGO_SETTINGS_MODULE=semsearch_project.settings.production \
    SEMSEARCH_DATA_DIR=/data HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false
WORKDIR /app
COPY requirements.txt ./
RUN python -m pip install ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch==2.13.0 \
    && python -m pip install -r requirements.txt \
    && useradd --create-home semsearch && mkdir /data && chown semsearch /data
COPY manage.py ./
COPY search ./search
COPY semsearch_project ./semsearch_project
COPY templates ./templates
USER semsearch
EXPOSE 8000
CMD ["python", "-m", "gunicorn", "--config", "semsearch_project/gunicorn_conf.py", "--bind", "0.0.0.0:8000"]
