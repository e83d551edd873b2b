"""Clusters of a bootstrap: what must be drawn together because it is one thing."""

import polars as pl


def of_prompts() -> pl.Expr:
    """The cluster of each row of a prompts table: `suite/plain_id` of the first prompt with the same plain words.

    All attacks on a prompt are one cluster, and so is a prompt that stands under several ids or in several suites:
    counted as several, it would narrow every interval.
    """
    return pl.concat_str("suite", "plain_id", separator="/").min().over("plain_prompt")
