# SPDX-License-Identifier: LGPL-2.1-or-later
"""The audio cases: a small model, a clip or three, and one thing at a time made odd."""

import torch

from randomise import normal

# Three convolutions, 12 samples a frame, 21 samples seen by one frame: 21 + 12 n
# samples give n + 1 frames.
BASE = dict(
    hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=28,
    conv_dim=[12, 10, 12], conv_kernel=[6, 4, 2], conv_stride=[3, 2, 2],
    num_conv_pos_embeddings=2, conv_pos_kernel_size=5, num_conv_pos_embedding_groups=4,
    vocab_size=32, classifier_proj_size=12, tdnn_dim=[12, 16], tdnn_kernel=[3, 2],
    tdnn_dilation=[1, 2], xvector_output_dim=10, adapter_kernel_size=3, adapter_stride=2,
    num_adapter_layers=1)

CTC, FRAME, SEQ, XVEC = (
    "ForCTC", "ForAudioFrameClassification", "ForSequenceClassification", "ForXVector")
PUBLISHED = dict(conv_dim=[8] * 7, conv_kernel=[10, 3, 3, 3, 3, 2, 2], conv_stride=[5, 2, 2, 2, 2, 2, 2])
WIDE_FFN = [("intermediate_dense.weight", 6.0)]


def case(name, head, note, lengths, mask=None, masked=None, noisy=False, amplitude=1.0, gains=(), labels=None, **config):
    """lengths: samples of each clip, padded with zeros (noisy: with more sound) to the longest.
    mask: "ragged" marks each clip's own samples, "ones" all. masked: per clip the frames to mask."""
    if labels:
        config["num_labels"] = labels
    return dict(name="audio-" + name, head=head, note=note, gains=gains,
                config={"model_type": "data2vec-audio", **BASE, **config},
                recipe=dict(lengths=lengths, mask=mask, masked=masked, noisy=noisy, amplitude=amplitude))


def n_frames(config, n):
    for k, s in zip(config["conv_kernel"], config["conv_stride"]):
        n = (n - k) // s + 1
    return n


def inputs(seed, config, recipe):
    lengths = recipe["lengths"]
    b, n = len(lengths), max(lengths)
    own = torch.arange(n)[None] < torch.tensor(lengths)[:, None]  # (B, S)
    x = normal(f"{seed}/input_values", (b, n)) * recipe["amplitude"]
    result = {"input_values": x if recipe["noisy"] else x * own}
    if recipe["mask"]:
        result["attention_mask"] = (own | (recipe["mask"] == "ones")).long()
    if recipe["masked"]:
        m = torch.zeros(b, n_frames(config, n), dtype=torch.long)
        for i, frames in enumerate(recipe["masked"]):
            m[i, frames] = 1
        result["mask_time_indices"] = m
    return result


CASES = [
    # masks
    case("model-plain", "Model", "one clip, no mask", [300]),
    case("model-batch-no-mask", "Model", "padded with zeros, no mask given: the zeros are sound", [300, 211], hidden_act="gelu_new"),
    case("model-mask-ones", "Model", "a mask of ones changes nothing", [251, 251], mask="ones", hidden_act="relu"),
    case("model-mask-ragged", "Model", "three lengths; padded frames leak through the positional stack", [300, 211, 97], mask="ragged"),
    case("model-mask-noisy", "Model", "what lies in the padding is convolved like sound", [240, 170], mask="ragged", noisy=True),
    case("model-mask-boundary", "Model", "mask sums one below, at, and one above a frame boundary", [128, 129, 130, 200], mask="ragged", hidden_act="silu"),
    # convolution stacks
    case("model-conv-1", "Model", "one convolution, kernel equal to stride", [200], conv_dim=[20], conv_kernel=[10], conv_stride=[10], feat_extract_activation="relu"),
    case("model-conv-2-gaps", "Model", "kernels shorter than strides: samples are skipped", [300, 200], mask="ragged", conv_dim=[9, 14], conv_kernel=[4, 2], conv_stride=[5, 3], feat_extract_activation="tanh"),
    case("model-conv-4", "Model", "four convolutions of different widths, with bias", [330], conv_dim=[5, 24, 7, 18], conv_kernel=[7, 1, 3, 5], conv_stride=[2, 1, 3, 2], conv_bias=True, hidden_act="gelu_fast"),
    case("model-conv-8", "Model", "eight convolutions", [410, 300], mask="ragged", conv_dim=[8, 8, 12, 12, 8, 8, 16, 10], conv_kernel=[5, 3, 3, 2, 2, 2, 1, 2], conv_stride=[2, 2, 1, 2, 1, 2, 1, 1], feat_extract_activation="gelu_accurate"),
    case("model-published", "Model", "kernels, strides, positional stack and head count of the published models", [6400, 4321], mask="ragged", hidden_size=48, num_attention_heads=12, intermediate_size=56, num_conv_pos_embeddings=5, conv_pos_kernel_size=19, num_conv_pos_embedding_groups=16, **PUBLISHED),
    case("model-conv-bias", "Model", "bias in the feature convolutions", [260], conv_dim=[8, 20, 12], conv_bias=True, feat_extract_activation="mish", hidden_act="mish"),
    # positional stack
    case("model-pos-1-even", "Model", "one positional layer, kernel 4, one group", [220], num_conv_pos_embeddings=1, conv_pos_kernel_size=4, num_conv_pos_embedding_groups=1, feat_extract_activation="quick_gelu"),
    case("model-pos-3-odd", "Model", "three positional layers, kernel 7, two groups", [260, 160], mask="ragged", num_conv_pos_embeddings=3, conv_pos_kernel_size=7, num_conv_pos_embedding_groups=2, feat_extract_activation="silu"),
    case("model-pos-5-even", "Model", "five positional layers, kernel 6, 16 groups", [240, 200], mask="ragged", hidden_size=32, num_attention_heads=4, num_conv_pos_embeddings=5, conv_pos_kernel_size=6, num_conv_pos_embedding_groups=16),
    case("model-pos-kernel-1", "Model", "positional kernel 1: no padding", [150], conv_pos_kernel_size=1, feat_extract_activation="leaky_relu"),
    case("model-pos-kernel-2", "Model", "positional kernel 2, each channel its own group", [150], hidden_size=16, num_attention_heads=2, conv_pos_kernel_size=2, num_conv_pos_embedding_groups=16, hidden_act="leaky_relu"),
    case("model-pos-long-kernel", "Model", "positional kernel longer than the clip", [87], num_conv_pos_embeddings=2, conv_pos_kernel_size=19, hidden_act="hardswish"),
    case("model-pos-faint", "Model", "positional convolutions so faint that the fixed epsilon 1e-5 shows", [200], gains=[("pos_conv_embed", 0.01)], layer_norm_eps=1e-12),
    # numbers
    case("model-eps-large", "Model", "layer_norm_eps 0.05: it must not reach the convolutions' norms", [200], layer_norm_eps=0.05, hidden_act="gelu_python"),
    case("model-quiet", "Model", "sound so quiet that the epsilon of the first norm shows", [220, 150], mask="ragged", amplitude=0.004, layer_norm_eps=1e-3),
    case("model-act-clipped", "Model", "wide enough that the clip of gelu_10 and of relu6 acts", [180], hidden_act="gelu_10", feat_extract_activation="relu6", gains=WIDE_FFN + [("conv_layers.*layer_norm.weight", 4.0)]),
    case("model-act-laplace", "Model", "laplace in the feed-forward", [180], hidden_act="laplace", feat_extract_activation="gelu_pytorch_tanh"),
    case("model-act-linear", "Model", "no activation at all in the convolutions", [180], feat_extract_activation="linear", hidden_act="relu2"),
    case("model-act-sqrtsoftplus", "Model", "sqrtsoftplus and hardswish", [180], hidden_act="sqrtsoftplus", feat_extract_activation="hardswish"),
    case("model-heads-odd", "Model", "6 heads of width 3", [190, 120], mask="ragged", hidden_size=18, num_attention_heads=6, intermediate_size=29, num_conv_pos_embedding_groups=2),
    case("model-heads-one", "Model", "one head of width 20, four layers", [190], hidden_size=20, num_attention_heads=1, num_hidden_layers=4, intermediate_size=16),
    case("model-wide", "Model", "hidden size 64, 4 heads", [210], hidden_size=64, num_attention_heads=4, intermediate_size=80, num_conv_pos_embedding_groups=16),
    case("model-one-frame", "Model", "exactly the samples of one frame", [21]),
    # adapter
    case("model-adapter", "Model", "three adapter layers of the published shape", [300, 222], mask="ragged", add_adapter=True, num_adapter_layers=3),
    case("model-adapter-proj", "Model", "adapter of another width, kernel 2, stride 1", [210], add_adapter=True, output_hidden_size=10, num_adapter_layers=2, adapter_kernel_size=2, adapter_stride=1),
    case("model-adapter-k5", "Model", "adapter kernel 5, stride 3, wider than the encoder, faint projection: its norm's epsilon is 1e-5", [260, 180], mask="ragged", add_adapter=True, output_hidden_size=22, adapter_kernel_size=5, adapter_stride=3, gains=[("adapter.proj\\.", 0.01)], layer_norm_eps=1e-3),
    case("model-adapter-k1", "Model", "adapter kernel 1: the fixed padding adds frames", [150], add_adapter=True, num_adapter_layers=2, adapter_kernel_size=1, adapter_stride=1),
    # explicit masking of frames
    case("model-mask-time", "Model", "mask_time_indices replaces frames", [200, 200], masked=[[0, 3, 4, 5], [14]]),
    case("model-mask-time-ragged", "Model", "mask_time_indices, then padding is zeroed", [200, 130], mask="ragged", masked=[[1, 2], [0, 7, 8, 14]], mask_time_prob=0.0, mask_feature_prob=0.1),
    case("model-mask-time-off", "Model", "apply_spec_augment false: mask_time_indices is ignored", [200], masked=[[2, 3]], apply_spec_augment=False),
    case("model-no-mask-vector", "Model", "no masked_spec_embed in the file", [160], mask_time_prob=0.0),
    # CTC
    case("ctc-plain", CTC, "one clip", [300]),
    case("ctc-mask", CTC, "three lengths", [280, 199, 120], mask="ragged", hidden_act="swish"),
    case("ctc-boundary-below", CTC, "one sample short of 11 frames", [140], vocab_size=50),
    case("ctc-boundary-at", CTC, "exactly 11 frames", [141], vocab_size=50),
    case("ctc-boundary-above", CTC, "11 frames and one sample", [142], vocab_size=50),
    case("ctc-vocab-2", CTC, "two symbols", [200, 100], mask="ragged", vocab_size=2, hidden_act="quick_gelu"),
    case("ctc-adapter", CTC, "adapter before the head", [300, 150], mask="ragged", add_adapter=True, num_adapter_layers=2, adapter_stride=1),
    case("ctc-adapter-proj", CTC, "adapter of another width before the head", [260], add_adapter=True, output_hidden_size=14),
    case("ctc-mask-time", CTC, "a head passes mask_time_indices on", [190], masked=[[4, 5, 6]]),
    case("ctc-published", CTC, "the published convolutions, 0.4 s", [6400], hidden_size=16, num_attention_heads=4, intermediate_size=24, num_conv_pos_embeddings=5, conv_pos_kernel_size=19, num_conv_pos_embedding_groups=16, **PUBLISHED),
    # frame classification
    case("frame-plain", FRAME, "two labels", [240]),
    case("frame-mask", FRAME, "padded frames are classified too", [240, 130], mask="ragged", labels=7),
    case("frame-weighted", FRAME, "weighted sum of all hidden states", [220, 140], mask="ragged", labels=3, use_weighted_layer_sum=True, num_hidden_layers=3),
    # sequence classification
    case("seq-no-mask", SEQ, "mean over all frames", [240, 200]),
    case("seq-mask", SEQ, "mean over each clip's own frames", [240, 130, 21], mask="ragged", labels=5),
    case("seq-mask-ones", SEQ, "mask of ones", [180], mask="ones", labels=1),
    case("seq-weighted", SEQ, "weighted sum, no mask", [220], labels=7, use_weighted_layer_sum=True),
    case("seq-weighted-mask", SEQ, "weighted sum and mask", [240, 99], mask="ragged", use_weighted_layer_sum=True, hidden_act="tanh"),
    # x-vector
    case("xvec-no-mask", XVEC, "statistics over all frames", [300, 250]),
    case("xvec-mask", XVEC, "the masked length ignores dilation", [300, 222, 110], mask="ragged", tdnn_dilation=[2, 3]),
    case("xvec-published", XVEC, "the published stack of five layers, narrow", [420, 380], mask="ragged", tdnn_dim=[12, 12, 12, 12, 20], tdnn_kernel=[5, 3, 3, 1, 1], tdnn_dilation=[1, 2, 3, 1, 1], labels=4),
    case("xvec-weighted", XVEC, "weighted sum", [260], use_weighted_layer_sum=True, tdnn_dim=[8, 14, 6], tdnn_kernel=[2, 4, 1], tdnn_dilation=[1, 1, 5]),
    case("xvec-adapter", XVEC, "adapter of equal width", [420], add_adapter=True),
    case("xvec-adapter-mask", XVEC, "the masked length counts the adapter", [420, 330], mask="ragged", add_adapter=True, num_adapter_layers=1),
    case("xvec-adapter-weighted", XVEC, "the weighted sum goes past an adapter of another width", [330, 280], mask="ragged", add_adapter=True, output_hidden_size=11, use_weighted_layer_sum=True),
]
