"""Makes a tiny cross-encoder of random weights: a real model for the real code, that knows nothing."""

from pathlib import Path

_WORDS = "[PAD] [UNK] [CLS] [SEP] [MASK] bees make honey a ship sails over the sea of and"


def tiny_cross_encoder(folder: Path, labels: int = 1) -> Path:
    """Write the model's files into a folder, and return it."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    torch.manual_seed(7)
    (folder / "vocab.txt").write_text("\n".join(_WORDS.split()))
    config = BertConfig(
        vocab_size=len(_WORDS.split()), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, max_position_embeddings=64, initializer_range=1.0,
    )  # fmt: skip
    config.num_labels = labels
    BertForSequenceClassification(config).save_pretrained(folder, safe_serialization=True)
    AutoTokenizer.from_pretrained(folder, model_max_length=64).save_pretrained(folder)
    return folder
