# SPDX-License-Identifier: LGPL-2.1-or-later
"""Write a trained model as a model directory: half-precision weights, the
configuration and the files of the tokenizer and the feature extractor."""
import argparse
import json
import os

import torch
from safetensors.torch import save_file
from transformers import Data2VecAudioForCTC

import data
import texts

TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>",
          "pad_token": "<pad>"}
FILES = {
    "vocab.json": data.IDS,
    "special_tokens_map.json": TOKENS,
    "tokenizer_config.json": {
        **TOKENS, "do_lower_case": False, "word_delimiter_token": "|",
        "replace_word_delimiter_char": " ",
        "tokenizer_class": "Wav2Vec2CTCTokenizer",
        "processor_class": "Wav2Vec2Processor"},
    "preprocessor_config.json": {
        "do_normalize": True, "feature_extractor_type":
        "Wav2Vec2FeatureExtractor", "feature_size": 1, "padding_side": "right",
        "padding_value": 0.0, "processor_class": "Wav2Vec2Processor",
        "return_attention_mask": True,
        "sampling_rate": 16000},
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model", help="the folder train.py wrote")
    parser.add_argument("folder", help="the model directory to write")
    args = parser.parse_args()
    model = Data2VecAudioForCTC.from_pretrained(args.model)
    os.makedirs(args.folder, exist_ok=True)
    at = lambda name: os.path.join(args.folder, name)
    save_file({n: t.to(torch.float16).contiguous()
               for n, t in model.state_dict().items()},
              at("model.safetensors"), {"format": "pt"})
    os.chmod(at("model.safetensors"), 0o644)
    # float32 is what to compute in; that the weights are stored in half
    # precision is said by the weights.
    config = {**model.config.to_diff_dict(), "dtype": "float32",
              "architectures": ["Data2VecAudioForCTC"]}
    for name, content in {"config.json": config, **FILES}.items():
        with open(at(name), "w") as f:
            json.dump(content, f, indent=2)
            f.write("\n")
    with open(at("words.txt"), "w") as f:
        f.writelines(w.upper() + "\n" for w in texts.words())


if __name__ == "__main__":
    main()
