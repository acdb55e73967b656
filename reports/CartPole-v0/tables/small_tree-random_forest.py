def policy(cart_position, cart_velocity, pole_angle, pole_angular_velocity, desired_return, desired_horizon):
    # Actions: 0 push left, 1 push right.
    # Inputs: cart_position in m, cart_velocity in m/s, pole_angle in rad, pole_angular_velocity in
    # rad/s, desired_return in reward, desired_horizon in steps.
    if pole_angular_velocity <= -0.044999999925494194:  # -0.045 rad/s
        if desired_return <= 12.400000095367432:  # 12.4 reward
            if pole_angle <= -0.0819999985396862:  # -0.082 rad
                if pole_angular_velocity <= -0.28199999034404755:  # -0.282 rad/s
                    return 0  # push left
                else:
                    return 1  # push right
            else:
                return 1  # push right
        else:
            return 0  # push left
    else:
        if pole_angle <= -0.03679999895393849:  # -0.0368 rad
            if desired_return <= 11.599999904632567:  # 11.6 reward
                return 1  # push right
            else:
                if pole_angular_velocity <= 0.7240000069141388:  # 0.724 rad/s
                    return 0  # push left
                else:
                    return 1  # push right
        else:
            if desired_return <= 19.000000953674316:  # 19 reward
                return 1  # push right
            else:
                if pole_angle <= -0.01880000066012144:  # -0.0188 rad
                    if pole_angular_velocity <= 0.0009999999892897904:  # 0.001 rad/s
                        return 0  # push left
                    else:
                        if desired_return <= 60.10000038146973:  # 60.1 reward
                            if cart_velocity <= -0.3890000134706498:  # -0.389 m/s
                                return 1  # push right
                            else:
                                return 0  # push left
                        else:
                            return 1  # push right
                else:
                    return 1  # push right
