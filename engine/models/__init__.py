"""The network: heads, backbones and the classifier made of them."""
