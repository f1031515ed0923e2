# SPDX-License-Identifier: LGPL-2.1-or-later
"""The vision cases: small images, one thing at a time made odd."""

import re

import torch

from randomise import normal

BASE = dict(
    hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=28,
    image_size=32, patch_size=8, num_channels=3, auxiliary_channels=6)

CLS, SEG = "ForImageClassification", "ForSemanticSegmentation"
OWN = dict(use_relative_position_bias=True)
SHARED = dict(use_shared_relative_position_bias=True)
ABSOLUTE = dict(use_absolute_position_embeddings=True)
CLS_TOKEN = dict(use_mean_pooling=False)
# Segmentation needs four features: the embeddings and three layers.
FOUR = dict(num_hidden_layers=3, out_indices=[1, 2, 3, 4])
SMALL = dict(hidden_size=10, num_attention_heads=2, intermediate_size=18)
WIDE_FFN = [("intermediate.dense.weight", 6.0)]


def case(name, head, note, size=(32, 32), batch=1, masked=None, old_names=False, gains=(), labels=None, **config):
    """size: height and width of the images. masked: per image the patches to mask.
    old_names: the segmentation head's tensors as releases before 5.9 called them."""
    if labels:
        config["num_labels"] = labels
    return dict(name="vision-" + name, head=head, note=note, gains=gains, old_names=old_names,
                config={"model_type": "data2vec-vision", **BASE, **config},
                recipe=dict(size=size, batch=batch, masked=masked))


def seg(name, note, size=(32, 32), **more):
    return case("seg-" + name, SEG, note, size, **{**SMALL, **FOUR, **more})


def inputs(seed, config, recipe):
    h, w = recipe["size"]
    result = {"pixel_values": normal(f"{seed}/pixel_values", (recipe["batch"], config["num_channels"], h, w))}
    if recipe["masked"]:
        n = (h // config["patch_size"]) * (w // config["patch_size"])
        m = torch.zeros(recipe["batch"], n, dtype=torch.long)
        for i, patches in enumerate(recipe["masked"]):
            m[i, patches] = 1
        result["bool_masked_pos"] = m
    return result


def old_name(name):
    """a segmentation tensor's name before release 5.9"""
    name = re.sub(r"psp_modules\.blocks\.(\d+)\.conv\.", r"psp_modules.\1.1.", name)
    name = name.replace("psp_bottleneck", "bottleneck")
    name = re.sub(r"\.convolution\.", ".conv.", name)
    return re.sub(r"\.normalization\.", ".bn.", name)


CASES = [
    # the bare model
    case("model-plain", "Model", "mean pooling: no final norm", batch=2),
    case("model-final-norm", "Model", "no mean pooling: a final norm, which hidden_states do not see", batch=2, **CLS_TOKEN),
    case("model-absolute", "Model", "absolute positions at the training grid", **ABSOLUTE),
    case("model-absolute-larger", "Model", "positions resized to a larger grid", (48, 48), **ABSOLUTE),
    case("model-absolute-smaller", "Model", "positions resized to a smaller grid", (24, 16), **ABSOLUTE),
    case("model-absolute-wide", "Model", "16 patches in another shape: resized as well", (16, 64), **ABSOLUTE, hidden_act="gelu_new"),
    case("model-absolute-surplus", "Model", "surplus pixels, equal grid, square: not resized", (37, 37), **ABSOLUTE),
    case("model-absolute-surplus-uneven", "Model", "surplus pixels, equal grid, not square: resized onto itself", (39, 34), **ABSOLUTE, **CLS_TOKEN),
    case("model-mask-token", "Model", "masked patches", batch=2, masked=[[0, 3, 6, 9, 12, 15], [5, 6, 7, 8]], use_mask_token=True),
    case("model-mask-token-absolute", "Model", "masked patches get positions too", (40, 32), masked=[[1, 2, 3, 19]], use_mask_token=True, **ABSOLUTE),
    case("model-mask-token-unused", "Model", "a mask token that nothing asks for", use_mask_token=True, hidden_act="silu"),
    case("model-shared", "Model", "one bias table for all layers, final norm: as the pretrained models", batch=2, **SHARED, **CLS_TOKEN),
    case("model-own", "Model", "a bias table in each layer", **OWN),
    case("model-both", "Model", "both tables: they add", **OWN, **SHARED),
    case("model-shared-larger", "Model", "bias table resized to a larger grid", (48, 40), **SHARED),
    case("model-own-smaller", "Model", "bias tables resized to a smaller grid", (16, 24), **OWN, hidden_act="relu"),
    case("model-both-wide", "Model", "16 patches in another shape, both tables", (16, 64), **OWN, **SHARED),
    case("model-everything", "Model", "positions, both tables, mask token, final norm, surplus pixels", (43, 30), batch=2, masked=[[0, 14], [7]], use_mask_token=True, **ABSOLUTE, **OWN, **SHARED, **CLS_TOKEN),
    case("model-size-uneven", "Model", "image_size [24, 40]: the table is viewed width first", (24, 40), image_size=[24, 40], **SHARED),
    case("model-size-uneven-resized", "Model", "image_size [40, 24], another grid", (32, 32), image_size=[40, 24], **OWN),
    case("model-no-scale", "Model", "layer_scale_init_value 0: no lambdas", layer_scale_init_value=0.0),
    case("model-one-patch", "Model", "a single patch", (8, 8), **OWN),
    case("model-channels-1", "Model", "one channel, patch 4", (20, 16), num_channels=1, patch_size=4, image_size=16, **SHARED),
    case("model-channels-4", "Model", "four channels, patch 2", (12, 14), num_channels=4, patch_size=2, image_size=12, **OWN),
    case("model-patch-16", "Model", "patch 16", (64, 48), patch_size=16, image_size=64, **SHARED, hidden_size=24, num_attention_heads=3),
    case("model-patch-5", "Model", "patch 5, surplus pixels in the training size too", (32, 29), patch_size=5, image_size=32, **OWN, **ABSOLUTE),
    case("model-eps-large", "Model", "layer_norm_eps 0.05", layer_norm_eps=0.05, **CLS_TOKEN, hidden_act="gelu_fast"),
    case("model-heads-odd", "Model", "7 heads of width 3, four layers", hidden_size=21, num_attention_heads=7, num_hidden_layers=4, **OWN),
    case("model-wide", "Model", "hidden size 64", hidden_size=64, num_attention_heads=4, intermediate_size=72, **SHARED),
    case("model-act-clipped", "Model", "gelu_10 where its clip acts", hidden_act="gelu_10", gains=WIDE_FFN),
    case("model-act-laplace", "Model", "laplace", hidden_act="laplace"),
    # image classification
    case("cls-plain", CLS, "two labels, no bias", batch=3),
    case("cls-own", CLS, "as the published classifiers: a table in each layer, mean pooling", batch=2, labels=5, **OWN),
    case("cls-own-larger", CLS, "a larger grid, not square", (48, 32), labels=5, **OWN),
    case("cls-shared", CLS, "one table", batch=2, labels=1, **SHARED, hidden_act="hardswish"),
    case("cls-both", CLS, "both tables", (32, 24), labels=5, **OWN, **SHARED),
    case("cls-token", CLS, "the class token's row after the final norm", batch=2, labels=5, **OWN, **CLS_TOKEN),
    case("cls-token-absolute", CLS, "the class token with absolute positions, a larger grid", (40, 48), labels=3, **ABSOLUTE, **CLS_TOKEN),
    case("cls-absolute", CLS, "absolute positions, mean pooling", labels=5, **ABSOLUTE),
    case("cls-no-scale", CLS, "no lambdas", labels=5, **OWN, layer_scale_init_value=0.0),
    case("cls-surplus", CLS, "surplus pixels", (37, 35), labels=4, **SHARED, **ABSOLUTE),
    case("cls-channels-1", CLS, "one channel, patch 2", (10, 14), labels=5, num_channels=1, patch_size=2, image_size=14, **OWN),
    case("cls-channels-4", CLS, "four channels, patch 16", (48, 64), labels=2, num_channels=4, patch_size=16, image_size=48, **SHARED),
    case("cls-mask-token", CLS, "a mask token in the file", labels=3, use_mask_token=True, **OWN),
    case("cls-eps-large", CLS, "layer_norm_eps 0.05 reaches the pooler", labels=3, layer_norm_eps=0.05, hidden_act="relu2"),
    # segmentation
    seg("plain", "the embeddings and three layers", batch=2, hidden_size=16, intermediate_size=28, **OWN),
    seg("default-indices", "out_indices [3, 5, 7, 11]: the outputs after 2, 4, 6 and 10 of 12 layers", hidden_size=8, num_attention_heads=2, intermediate_size=10, num_hidden_layers=12, out_indices=[3, 5, 7, 11], **SHARED),
    seg("last-indices", "value L + 1 is the last layer", num_hidden_layers=4, out_indices=[2, 3, 4, 5], **CLS_TOKEN),
    seg("order", "order in the list does not matter", out_indices=[4, 2, 1, 3]),
    seg("beyond", "an index that no layer has: three features", num_hidden_layers=3, out_indices=[2, 3, 4, 9], labels=3),
    seg("three-features", "two layers, out_indices [0, 1, 2, 3]: three features", num_hidden_layers=2, out_indices=[0, 1, 2, 3], labels=3),
    seg("three-features-shared", "three features without an auxiliary head, a duplicate in the list", num_hidden_layers=3, out_indices=[4, 2, 2, 3], use_auxiliary_head=False, **SHARED),
    seg("scales-1", "one pooling scale", pool_scales=[1]),
    seg("scales-4-2", "pooling scales in falling order, larger than the map", (40, 40), image_size=40, pool_scales=[4, 2, 3]),
    seg("scales-5", "five pooling scales, a repeated one", hidden_size=8, num_attention_heads=2, pool_scales=[1, 2, 2, 3, 7]),
    seg("grid-5", "5 by 5 patches: halves are rounded down, pools overlap", (40, 40), image_size=40, labels=21, **OWN),
    seg("grid-7", "7 by 7 patches of 2 pixels", (14, 14), image_size=14, patch_size=2, hidden_size=8, num_attention_heads=2, labels=3, **SHARED),
    seg("grid-2", "2 by 2 patches: the smallest that leaves a fourth feature", (16, 16), image_size=16),
    seg("surplus", "surplus pixels in the image, none in the grid", (39, 33), **OWN, **ABSOLUTE),
    seg("no-auxiliary", "no auxiliary head", use_auxiliary_head=False, labels=21),
    seg("auxiliary-2-concat", "auxiliary head of two convolutions and its input", auxiliary_num_convs=2, auxiliary_concat_input=True),
    seg("auxiliary-0", "auxiliary head without a convolution", auxiliary_num_convs=0, auxiliary_channels=10),
    seg("old-names", "tensor names of releases before 5.9", old_names=True, **OWN, labels=21),
    seg("old-names-auxiliary", "old names, auxiliary convolutions with conv_cat", old_names=True, auxiliary_num_convs=2, auxiliary_concat_input=True, pool_scales=[1, 3]),
    seg("old-names-no-scale", "old names, no lambdas, one channel", old_names=True, layer_scale_init_value=0.0, num_channels=1, use_auxiliary_head=False, hidden_act="leaky_relu"),
]
