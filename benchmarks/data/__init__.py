"""Timings of rows: conversion, duplicates, overlap."""
