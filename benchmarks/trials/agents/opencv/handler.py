import cv2
import numpy


def handle(inputs):
    size = inputs["size"]
    picture = numpy.zeros((size, size), numpy.uint8)
    cv2.rectangle(picture, (size // 4, size // 4), (size // 2, size // 2), 255, cv2.FILLED)
    edges = cv2.Canny(picture, 100, 200)
    encoded = cv2.imencode(".png", edges)[1].tobytes()
    return {"edge_pixels": numpy.count_nonzero(edges), "is_png": encoded.startswith(b"\x89PNG")}
