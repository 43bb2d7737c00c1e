"""A policy behind an OpenAI-compatible server: for evaluation (it returns text, no tokens to train on)."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from assay.agents.chat import load_image
from assay.agents.policy import Completion, Request
from assay.envs.tasks import Message


class ServerError(RuntimeError):
    """The server did not answer in time, or refused; one line that names it."""


class OpenAIPolicy:
    """Asks ``/chat/completions`` of a server, many requests at a time.

    Args:
        model: the server's name of the model.
        base_url: such as ``http://localhost:8000/v1``; by default the public API.
        api_key: by default ``OPENAI_API_KEY``; a server of your own usually needs none.
        concurrency: requests in flight.
        timeout: seconds that one attempt may take.
        retries: further attempts after time-outs, refused connections, and answers 408, 409, 429 and 5xx.
        limit_field: what the server calls the token budget (``max_completion_tokens`` for reasoning models).

    Raises:
        ImportError: one line, if the client library is missing.
        ValueError: if there is neither a key nor a server of your own.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        concurrency: int = 16,
        timeout: float = 120.0,
        retries: int = 3,
        limit_field: str = "max_tokens",
    ) -> None:
        try:
            import openai
        except ImportError:
            raise ImportError("an OpenAI-compatible server needs its client: pip install 'assay[openai]'") from None
        key = api_key or os.environ.get("OPENAI_API_KEY") or ("none" if base_url else None)
        if key is None:
            raise ValueError("the public API needs a key: set OPENAI_API_KEY, or give base_url of your own server")
        self.model = model
        self.concurrency = concurrency
        self.limit_field = limit_field
        self.client = openai.OpenAI(base_url=base_url, api_key=key, timeout=timeout, max_retries=retries)

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion a request, in order; ``ids`` and ``logprobs`` are empty.

        Raises:
            ServerError: if any request failed after its retries.
            ValueError: if a request has an action mask.
        """
        if not requests:
            return []
        if any(request.sampling.mask is not None for request in requests):
            raise ValueError("a server cannot mask actions by a policy of ours: use the hf engine")
        with ThreadPoolExecutor(min(self.concurrency, len(requests)), "openai-policy") as pool:
            futures = [pool.submit(self._ask, request) for request in requests]
            try:
                return [future.result() for future in futures]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _ask(self, request: Request) -> Completion:
        import openai

        one = request.sampling
        options: dict[str, Any] = {self.limit_field: one.max_tokens, "temperature": one.temperature, "top_p": one.top_p}
        if one.stop:
            options["stop"] = list(one.stop)
        if one.top_k:
            options["extra_body"] = {"top_k": one.top_k}  # not in the public API; vLLM, SGLang and llama.cpp take it
        try:
            answer = self.client.chat.completions.create(
                model=self.model, messages=[wire(message) for message in request.messages],
                seed=request.seed % 2**31, **options,
            )  # fmt: skip
        except openai.OpenAIError as error:
            raise ServerError(f"{self.client.base_url} failed for model {self.model}: {_line(error)}") from None
        if not answer.choices:
            raise ServerError(f"{self.client.base_url} answered without a choice for model {self.model}")
        choice = answer.choices[0]
        text = choice.message.content or ""
        cuts = [at for at in (text.find(stop) for stop in one.stop) if at >= 0]
        return Completion(
            text[: min(cuts)] if cuts else text, finish="length" if choice.finish_reason == "length" else "stop"
        )


def wire(message: Message) -> dict[str, Any]:
    """A chat message as the protocol wants it: images become data URLs (PNG)."""
    content = message["content"]
    if isinstance(content, str):
        return {"role": message["role"], "content": content}
    return {"role": message["role"], "content": [_part(part) for part in content]}


def _part(part: dict[str, Any]) -> dict[str, Any]:
    if part["type"] != "image":
        return {"type": "text", "text": part["text"]}
    buffer = io.BytesIO()
    load_image(part["image"]).save(buffer, format="PNG")
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}


def _line(error: Exception) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0][:200] if text else 'no message'}"
