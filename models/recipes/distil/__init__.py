"""Recipes that turn a dense BERT-type teacher into small students with fast feedforward layers."""
